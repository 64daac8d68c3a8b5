"""What `photo-organizer sort` does: filing once, planning without moving, and carrying a plan out."""
