"""Why each car was sent where it is: the balancer's decisions in words, and the story of one session."""
