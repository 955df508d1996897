"""A model's policy said to a cluster: as KServe's InferenceService, or as an HTTPRoute of the Gateway API."""
