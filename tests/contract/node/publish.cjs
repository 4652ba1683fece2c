// Publishes messages as amqplib's documentation does: publish.cjs URL < lines of {exchange, routingKey, body, options}
const amqplib = require('amqplib');
const { lines } = require('./lines.cjs');

(async () => {
  const connection = await amqplib.connect(process.argv[2]);
  const channel = await connection.createConfirmChannel();
  for (const message of lines()) {
    channel.publish(message.exchange, message.routingKey, Buffer.from(message.body, 'base64'), message.options);
  }
  await channel.waitForConfirms();
  await connection.close();
})();
