"""The dashboard: pages for people, over the same store and commander as the API; changes go by the API."""
