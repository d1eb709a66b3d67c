from predecessor import Event as VkEvent
