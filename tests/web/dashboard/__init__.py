"""Tests of the dashboard's pages over stores that stand in."""
