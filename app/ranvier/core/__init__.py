"""What every room needs: amounts, errors, paths, settings, files, processes, tasks. Knows no other room."""
