"""The review app: a local web server in which coders judge what the models propose."""
