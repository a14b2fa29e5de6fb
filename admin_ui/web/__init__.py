"""The base of all pages: roles and open logins, access control, templates, problems, static files, and the browser stream.

This folder knows nothing of the grid, and nothing of the audit log.
"""
