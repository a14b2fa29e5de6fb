"""The composition on a real engine, through its life: `make compose-test`. Not collected by pytest: it takes minutes."""
