"""What tools/bulkhead is made of."""
