"""What carries the emulated Azure: the proxy and its certificates, the process, its folder and its controls."""
