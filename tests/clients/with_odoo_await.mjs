// odoo-await: XML-RPC from Node. The job comes by standard input, as for the programs in Python: see job.py.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

// The packages are where the suite installed them, not beside this file.
const require = createRequire(join(process.cwd(), 'package.json'));
const Odoo = require('odoo-await');

const job = JSON.parse(readFileSync(0, 'utf8'));
const NAME = 'Zürich ✉ 日本 <&> "quoted" \'x\' \\ end';
const connect = (password) =>
  new Odoo({ baseUrl: `http://${job.host}`, port: job.port, db: job.db, username: job.login, password });

await assert.rejects(async () => connect('wrong').connect().catch((error) => { throw new Error(String(error)); }), /credentials/);
const odoo = connect(job.password);
assert.equal(await odoo.connect(), 2);

const values = { name: NAME, smtp_host: 'mail.example.test', smtp_port: 2525 };
const created = await odoo.create('ir.mail_server', values);
// A list of values gives a list of ids.
const server = Array.isArray(created) ? created[0] : created;
const [row] = await odoo.read('ir.mail_server', server, ['name', 'smtp_port', 'active']);
assert.deepEqual([row.name, row.smtp_port, row.active], [NAME, 2525, true]);
const domain = ['&', ['smtp_port', '=', 2525], '&', '|', ['name', 'ilike', 'zürich ✉'], ['name', '=', 'nobody'], '!', ['active', '=', false]];
const found = await odoo.searchRead('ir.mail_server', domain, ['name'], { limit: 3, order: 'id desc' });
assert.deepEqual(found, [{ id: server, name: NAME }]);
assert.equal(await odoo.update('ir.mail_server', server, { name: 'geändert ✓' }), true);
assert.deepEqual(await odoo.search('ir.mail_server', { name: 'geändert ✓' }), [server]);
const refused = { ...values, smtp_authentication: 'outlook', smtp_encryption: 'none', smtp_user: job.mailbox };
await assert.rejects(odoo.create('ir.mail_server', refused), (error) => error.faultCode === 2 && /STARTTLS/.test(error.faultString));
assert.equal(await odoo.delete('ir.mail_server', server), true);
assert.deepEqual(await odoo.search('ir.mail_server', { name: 'geändert ✓' }), []);

const letter = { subject: job.subject, email_from: job.mailbox, email_to: job.recipient, body_html: '<p>Grüße ✉</p>' };
const attachments = { action: 'create', value: { name: 'ö.txt', datas: Buffer.from('Inhalt ✓').toString('base64') } };
const mails = await odoo.create('mail.mail', { ...letter, attachment_ids: attachments });
const mail = Array.isArray(mails) ? mails[0] : mails;
// Nothing comes back, which XML-RPC cannot carry; the work is done all the same.
await assert.rejects(odoo.execute_kw('mail.mail', 'send', [[[mail]]]), /None/);
const [sent] = await odoo.read('mail.mail', mail, ['state', 'subject']);
assert.deepEqual([sent.state, sent.subject], ['sent', job.subject]);
console.log('done');
