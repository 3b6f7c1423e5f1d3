"""What is trained on: flow maps, face clips, windows of region flow, each with its origin."""
