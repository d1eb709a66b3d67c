from predecessor import Event
