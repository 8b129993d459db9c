"""What people did in a project: told, verified, done again, and gone back to."""
