// A scriptable SMPP server; README.md has its commands and events.
'use strict';

const smpp = require('smpp');
const readline = require('node:readline');

// How it behaves; `set` changes parts of it.
const behaviour = {
  bindStatus: 0, // command_status of the next bind responses
  respond: true, // whether submit_sm is answered
  enquire: true, // whether enquire_link is answered
  statuses: [], // command_status of the next submit_sm_resp, then 0
  idBase: 10, // number base of the ids in responses
  receipt: 'none', // none | after | before the response
  receiptBase: 10, // number base of the ids in receipts
  receiptTlvs: true, // whether receipts have receipted_message_id and message_state
  stat: 'DELIVRD', // the word in the text of receipts
};

const sessions = new Set();
let lastId = 1000;
const tell = (event, fields) => process.stdout.write(JSON.stringify({ event, ...fields }) + '\n');
const hex = (octets) => (octets && octets.length ? Buffer.from(octets).toString('hex') : '');

// The sessions that take messages for us: a pair of binds has one of each.
const receiving = () => [...sessions].filter((session) => session.mode !== 'transmitter');

const server = smpp.createServer({}, (session) => {
  sessions.add(session);
  session.on('error', () => session.destroy());
  session.on('close', () => {
    sessions.delete(session);
    tell('closed', {});
  });
  for (const mode of ['receiver', 'transmitter', 'transceiver']) {
    session.on(`bind_${mode}`, (pdu) => {
      session.mode = mode;
      tell('bind', { mode, system_id: pdu.system_id, password: pdu.password, version: pdu.interface_version });
      session.send(pdu.response({ command_status: behaviour.bindStatus, system_id: 'judge' }));
      if (behaviour.bindStatus !== 0) session.close();
    });
  }
  session.on('enquire_link', (pdu) => {
    tell('enquire', {});
    if (behaviour.enquire) session.send(pdu.response());
  });
  session.on('unbind', (pdu) => {
    tell('unbind', {});
    session.send(pdu.response());
    session.close();
  });
  session.on('generic_nack', (pdu) => tell('nack', { status: pdu.command_status, sequence: pdu.sequence_number }));
  session.on('submit_sm', (pdu) => submit(session, pdu));
});

function submit(session, pdu) {
  const payload = pdu.message_payload;
  const body = payload === undefined ? pdu.short_message : payload;
  lastId += 1;
  const id = lastId;
  tell('submit', {
    id: id.toString(behaviour.idBase),
    to: pdu.destination_addr,
    to_ton: pdu.dest_addr_ton,
    from: pdu.source_addr,
    from_ton: pdu.source_addr_ton,
    text: typeof body === 'string' ? body : body.message.toString(),
    udh: typeof body === 'string' ? '' : (body.udh || []).map(hex).join(','),
    data_coding: pdu.data_coding,
    esm_class: pdu.esm_class,
    registered_delivery: pdu.registered_delivery,
    validity_period: String(pdu.validity_period),
    reference: pdu.user_message_reference,
    sar: pdu.sar_total_segments && [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum],
    payload: payload !== undefined,
  });
  if (!behaviour.respond) return;
  const status = behaviour.statuses.shift() || 0;
  const respond = () => session.send(pdu.response({ command_status: status, message_id: id.toString(behaviour.idBase) }));
  if (status !== 0 || behaviour.receipt === 'none') {
    respond();
  } else if (behaviour.receipt === 'before') {
    receipt(pdu, id);
    respond();
  } else {
    respond();
    receipt(pdu, id);
  }
}

function receipt(pdu, id) {
  const name = id.toString(behaviour.receiptBase);
  const options = {
    esm_class: 4,
    source_addr_ton: pdu.dest_addr_ton,
    source_addr_npi: pdu.dest_addr_npi,
    source_addr: pdu.destination_addr,
    dest_addr_ton: pdu.source_addr_ton,
    destination_addr: pdu.source_addr,
    user_message_reference: pdu.user_message_reference,
    short_message:
      `id:${name} sub:001 dlvrd:001 submit date:2611231012 done date:2611231013 ` +
      `stat:${behaviour.stat} err:000 text:`,
  };
  if (behaviour.receiptTlvs) {
    options.receipted_message_id = name;
    options.message_state = 2;
  }
  deliver(options);
}

function deliver(options) {
  const session = receiving()[0];
  if (!session) return tell('error', { text: 'no session receives' });
  return session.deliver_sm(options, (resp) => tell('delivered', { status: resp.command_status }));
}

readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line);
    if (command.set) Object.assign(behaviour, command.set);
    if (command.deliver) {
      const options = command.deliver;
      if (command.hex !== undefined) {
        const message = Buffer.from(command.hex, 'hex');
        if (options.message_payload === true) options.message_payload = { message };
        else options.short_message = command.udh ? { udh: Buffer.from(command.udh, 'hex'), message } : { message };
      }
      deliver(options);
    }
    if (command.raw) for (const session of sessions) session.socket.write(Buffer.from(command.raw, 'hex'));
    if (command.unbind) for (const session of sessions) session.unbind(() => session.close());
    if (command.drop) for (const session of [...sessions]) session.destroy();
  })
  .on('close', () => process.exit(0));

server.on('error', (error) => {
  tell('error', { text: String(error) });
  process.exit(1);
});
server.listen(0, '127.0.0.1', () => tell('listening', { port: server.address().port }));
