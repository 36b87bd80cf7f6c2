import '../src/refuse-old-node';

import { runLocalServer } from './local-server';
import { startRegistry } from './registry';

const HELP = `Starts a schema registry on this machine and keeps its schemas between runs,
as the records in Kafka name them by their ids.

Usage: npm run registry -- [options]

  --port <number>   port to listen on (default 8081); 0 takes any free one
  --data <folder>   where the schemas are kept
                    (default .kafka/registry-data in the project)
  --clean           start empty: what the folder holds is deleted first;
                    records that name its schemas cannot be read any more
  --help            this text

Ctrl-C stops it. It is an Apicurio Registry; the first start downloads it
through Maven (146 MB). Needs Java 17 or newer and, the first time, Maven:
tools/install-java.sh installs both.
Exit codes: 0 stopped, 1 bug, 2 usage or a missing program, 3 the registry
could not start or ended by itself.
`;

runLocalServer({
  name: 'the registry',
  help: HELP,
  defaultPort: 8081,
  defaultFolder: 'registry-data',
  async start(how) {
    const { url, pid, exited, stop } = await startRegistry(how);
    return { address: url, pid, exited, stop };
  },
  use: (address) => `REGISTRY_URL=${address} REGISTRY_AUTO_REGISTER=true`,
});
