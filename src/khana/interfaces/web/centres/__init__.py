"""Pages of centres, vans and camps: queue, appointments, figures, people in the field, targets on a map."""
