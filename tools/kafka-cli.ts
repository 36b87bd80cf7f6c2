import '../src/refuse-old-node';

import { startKafka } from './kafka';
import { runLocalServer } from './local-server';

const HELP = `Starts one Kafka broker on this machine and keeps its data between runs.

Usage: npm run kafka -- [options]

  --port <number>   port to listen on (default 9092); 0 takes any free one
  --data <folder>   where the data is kept (default .kafka/data in the project)
  --clean           start empty: what the folder holds is deleted first
  --help            this text

Ctrl-C stops the broker. Needs Java 17 or newer and, the first time, Maven:
tools/install-java.sh installs both.
Exit codes: 0 stopped, 1 bug, 2 usage or a missing program, 3 the broker could not start or ended by itself.
`;

runLocalServer({
  name: 'Kafka',
  help: HELP,
  defaultPort: 9092,
  defaultFolder: 'data',
  async start(how) {
    const { bootstrap, brokers, stop } = await startKafka(how);
    const [broker] = brokers;
    if (broker === undefined) throw new Error('a cluster without a broker was started; this is a bug');
    return { address: bootstrap, pid: broker.pid, exited: broker.exited, stop };
  },
  use: (address) => `KAFKA_BROKERS=${address}`,
});
