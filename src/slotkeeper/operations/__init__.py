"""One function for one user action, one transaction for each; a list of requests is one action too."""
