"""What the store keeps of people, groups, terminals' holdings, and of work that takes long."""
