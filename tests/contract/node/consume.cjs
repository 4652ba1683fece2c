// Takes messages from the exchange `events` and holds them against their schema: consume.cjs URL SCHEMA COUNT
// Says {"listening"} once it does, and then prints each message with what is wrong with it.
const fs = require('node:fs');
const amqplib = require('amqplib');
const Ajv = require('ajv/dist/2020');
const addFormats = require('ajv-formats');

const [, , url, schema, count] = process.argv;

(async () => {
  const validate = addFormats(new Ajv({ allErrors: true })).compile(JSON.parse(fs.readFileSync(schema, 'utf8')));
  const connection = await amqplib.connect(url);
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'events', '');
  let left = Number(count);
  await channel.consume(queue, async (message) => {
    const body = JSON.parse(message.content.toString('utf8'));
    const errors = validate(body) ? [] : validate.errors;
    console.log(JSON.stringify({ body, errors, properties: message.properties, fields: message.fields }));
    channel.ack(message);
    left -= 1;
    if (left === 0) {
      await channel.close();
      await connection.close();
    }
  });
  console.log(JSON.stringify({ listening: true }));
})();
