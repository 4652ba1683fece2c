// Publishes messages as amqplib's documentation does: publish.cjs URL [QUEUE] < lines of {exchange, routingKey, body,
// options}. Declares the queue first, if one is named. Prints what the broker says against it.
const amqplib = require('amqplib');
const { lines } = require('./lines.cjs');

const [, , url, queue] = process.argv;

(async () => {
  const connection = await amqplib.connect(url);
  const channel = await connection.createConfirmChannel();
  channel.on('error', (error) => console.log(JSON.stringify({ code: error.code, message: error.message })));
  try {
    if (queue) {
      await channel.assertQueue(queue);
    }
    for (const message of lines()) {
      channel.publish(message.exchange, message.routingKey, Buffer.from(message.body, 'base64'), message.options);
    }
    await channel.waitForConfirms();
  } catch (error) {
    console.log(JSON.stringify({ refused: true }));
  }
  await connection.close();
})();
