"""Ways to the world that end in time and in size, whatever the other side does; the collectors use no others."""
