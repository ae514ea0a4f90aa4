"""What the gateway is made of; `apimctl.gateway` puts it together."""
