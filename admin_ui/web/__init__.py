"""What all pages share: who asks and what they may do, templates, the table of routes, static files, and the stream to browsers."""
