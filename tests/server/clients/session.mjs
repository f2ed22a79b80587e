// What each TypeScript client does with the server; one JSON line per thing it learned, for the test to judge.
// Usage: node v1.mjs|v2.mjs '{"command": ..., "args": [...], "env": {...}}'

export const server = JSON.parse(process.argv[2]);

const NUMBER = "+12025550123";
const STAY = { to: NUMBER, goal: "stay on the line" };

const tell = (what, value) => process.stdout.write(JSON.stringify({ what, value }) + "\n");

// `call(args, options)` hides that the two SDKs take the options in different places.
export async function session(client, transport, call) {
  await client.connect(transport);
  tell("tools", (await client.listTools()).tools);
  tell("refused", await call({ to: "5551234" }));

  const messages = [];
  const result = await call({ to: NUMBER, goal: "say hello" }, { onprogress: (p) => messages.push(p.message) });
  tell("result", result);
  tell("progress", messages);

  try {
    await call(STAY, { timeout: 1000 });
  } catch (error) {
    tell("timed out", error.message);
  }
  let attached = false;
  const again = await call(STAY, {
    onprogress: () => {
      if (!attached) tell("attached", true);
      attached = true;
    },
  });
  tell("again", again);
  await client.close();
}
