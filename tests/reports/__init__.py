"""Reports as those see them that read them: a browser, the schemas of their formats, policy tools, CI platforms."""
