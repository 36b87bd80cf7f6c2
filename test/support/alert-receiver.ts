import { startHttpServer } from './http-server';
import { cleanUp } from './kafka';

/** A server that takes alerts, with what it was sent so far, as text and as JSON. */
export async function startAlertReceiver() {
  const server = await startHttpServer();
  cleanUp(server.close);
  const texts: string[] = [];
  const alerts: unknown[] = [];
  server.react((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => {
      texts.push(text);
      alerts.push(JSON.parse(text));
    });
    response.end();
  });
  return { url: server.url, texts, alerts };
}
