"""Single sign-on with OpenID Connect: the provider, who its ID tokens name, and the pages. Never keeps an account."""
