"""Who may log in: the file of people, their passwords, one-time links, and the pages to log in and out."""
