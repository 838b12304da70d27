// pm2: `pm2 start deploy/ecosystem.config.cjs`. One process each: a second one on the same data folder is refused.
module.exports = {
  apps: [
    {
      name: "portcullis",
      script: "portcullis",
      args: ["serve", "--json"],
      interpreter: "none",
      exec_mode: "fork",
      instances: 1,
      env: { PORTCULLIS_DATA: "/var/lib/portcullis" },
      kill_timeout: 15_000,
      restart_delay: 1_000,
      // Exit statuses of a wrong configuration and of a folder in use: starting again would not help.
      stop_exit_codes: [0, 64, 73, 75, 77, 78],
    },
  ],
};
