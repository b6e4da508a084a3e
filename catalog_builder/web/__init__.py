"""An app's files and the page's own enter; a shop in the browser leaves: served from this machine, or as a folder."""
