"""What stands in a room: meters, circuits, machines, the instrument register, and what their texts say of their
state."""
