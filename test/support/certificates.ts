import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A certificate and its private key, PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Signs certificates with openssl; whoever trusts its own certificate trusts them. */
export interface Authority {
  /** PEM. */
  readonly ca: string;
  /** For this host, as `IP:...` or `DNS:...`; by default it is valid now. */
  readonly sign: (host: string, period?: 'now' | 'over') => Promise<KeyPair>;
  readonly remove: () => void;
}

const run = promisify(execFile);
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const PERIODS = {
  now: ['-days', '1'],
  // Of what openssl 3.0 offers, only `openssl ca` dates a certificate back.
  over: ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'],
};
const SETTINGS = `
[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
rand_serial = yes
unique_subject = no
default_md = sha256
copy_extensions = copy
policy = policy
[policy]
commonName = supplied
`;

/** Makes an authority in a temporary folder. */
export async function createAuthority(): Promise<Authority> {
  const folder = mkdtempSync(join(tmpdir(), 'authority-'));
  const openssl = (...args: readonly string[]) => run('openssl', args, { cwd: folder });
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  writeFileSync(join(folder, 'settings'), SETTINGS);
  writeFileSync(join(folder, 'index.txt'), '');
  await openssl('req', '-x509', ...NEW_KEY, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '1', '-subj', '/CN=ca');
  let count = 0;
  return {
    ca: read('ca.pem'),
    sign: async (host, period = 'now') => {
      const name = `signed-${++count}`;
      const subject = ['-subj', '/CN=server', '-addext', `subjectAltName=${host}`];
      await openssl('req', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...subject);
      const files = ['-in', `${name}.csr`, '-out', `${name}.pem`];
      await openssl('ca', '-batch', '-notext', '-config', 'settings', ...files, ...PERIODS[period]);
      return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
