"""The hall: owns the loop, the three processes and the signals. It knows every room, and no room knows it."""
