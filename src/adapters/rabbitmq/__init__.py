"""RabbitMQ through Kombu, and Kombu's other transports: import from the modules `broker`, `topology`, `installation`,
`publisher`, `message_source`, `dead_letter_queue` and `examination`."""
