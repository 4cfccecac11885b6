"""Host and GPU probes, frozen snapshots, sampling."""
