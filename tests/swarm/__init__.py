"""The stack on the engines of a Swarm, through its life: `make swarm-test`. Not collected by pytest: it takes minutes."""
