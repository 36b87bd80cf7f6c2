/** A schedule as it is by default. */
export const settings = {
  allowance: 0.9,
  newestSeconds: 300,
  clientsNewestSeconds: 1_800,
  correctionsNewestSeconds: 1_800,
  openSeconds: 7_200,
  recentSeconds: 14_400,
  sweepSeconds: 21_600,
};
