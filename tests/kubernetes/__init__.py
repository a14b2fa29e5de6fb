"""`make kubernetes-test`: the manifests of deploy/kubernetes, built by the real kubectl; a cluster can look at them too."""
