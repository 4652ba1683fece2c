// A replica set of one, since writes are acknowledged by a majority, and the users with the least rights that do.
// Safe to repeat. To be run by mongosh.
const { readFileSync } = require('fs');
const secret = (name) => readFileSync(`/run/secrets/${name}`, 'utf8').trim();

const admin = db.getSiblingDB('admin');
admin.auth('root', secret('mongodb_root_password'));

try {
  rs.status();
} catch (error) {
  if (error.codeName !== 'NotYetInitialized') throw error;
  rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'mongodb:27017' }] });
}
while (!admin.hello().isWritablePrimary) sleep(200);

const penchant = db.getSiblingDB('penchant');
const users = [
  ['penchant', 'mongodb_password', ['readWrite']],
  ['penchant_setup', 'mongodb_setup_password', ['readWrite', 'dbAdmin']],
];
for (const [user, password, roles] of users) {
  if (penchant.getUser(user) === null) penchant.createUser({ user, pwd: secret(password), roles });
}
