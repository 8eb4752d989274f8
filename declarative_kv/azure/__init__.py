"""The way to Azure: session, credentials, clouds, ids, pacing, directory look-ups and error translation."""
