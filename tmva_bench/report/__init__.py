"""What people look at: tables, the page, the study file explained, progress."""
