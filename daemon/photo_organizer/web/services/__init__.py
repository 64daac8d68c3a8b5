"""What the page's addresses call: photos, models, thumbnails, activity."""
