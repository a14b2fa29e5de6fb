"""Who may log in: the file of people, their passwords, links, single sign-on, and the pages to log in and out and to manage them."""
