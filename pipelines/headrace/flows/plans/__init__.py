"""What a batch of each flow is fixed by, as ``batch_plans`` holds it: a class a flow, its keys named as stored."""
