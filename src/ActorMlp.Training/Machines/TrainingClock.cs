namespace ActorMlp.Training.Machines;

/// <summary>Rows per second of training alone: runs while steps are open, stands while the run evaluates or holds.</summary>
internal sealed class TrainingClock
{
    private TimeSpan? runningSince;
    private TimeSpan? epochBegan;
    private TimeSpan total;
    private TimeSpan epoch;
    private long totalRows;
    private long epochRows;

    /// <summary>Rows per second since the run began or was resumed; 0 before the first hold.</summary>
    public double SamplesPerSecond => PerSecond(totalRows, total);

    public void Start(TimeSpan now)
    {
        runningSince = now;
        epochBegan ??= now;
    }

    public void Count(long rows)
    {
        totalRows += rows;
        epochRows += rows;
    }

    public void Hold(TimeSpan now)
    {
        TimeSpan span = now - (runningSince ?? now);
        total += span;
        epoch += span;
        runningSince = null;
    }

    public (double SamplesPerSecond, double WallSeconds) EndEpoch(TimeSpan now)
    {
        (double, double) figures = (PerSecond(epochRows, epoch), (now - (epochBegan ?? now)).TotalSeconds);
        epoch = TimeSpan.Zero;
        epochRows = 0;
        epochBegan = null;
        return figures;
    }

    private static double PerSecond(long rows, TimeSpan time) => time > TimeSpan.Zero ? rows / time.TotalSeconds : 0;
}
