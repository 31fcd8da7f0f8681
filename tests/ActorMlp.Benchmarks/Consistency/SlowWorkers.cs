using ActorMlp.Engine.Random;
using ActorMlp.Training.Views;

namespace ActorMlp.Benchmarks.Consistency;

/// <summary>Workers that are slow on purpose: they wait before they compute, and leave the processor to the others meanwhile.</summary>
internal static class SlowWorkers
{
    /// <summary>Nobody waits.</summary>
    public static Func<WorkerId, Task> None() => _ => Task.CompletedTask;

    /// <summary>Worker 0 waits each time.</summary>
    public static Func<WorkerId, Task> OneAlways(TimeSpan wait, TimeProvider time) =>
        worker => worker.Number == 0 ? Task.Delay(wait, time) : Task.CompletedTask;

    /// <summary>Any worker waits, now and then, drawn by a seed.</summary>
    /// <param name="wait">How long.</param>
    /// <param name="oneIn">How rarely.</param>
    /// <param name="time">The clock.</param>
    public static Func<WorkerId, Task> AnyNowAndThen(TimeSpan wait, int oneIn, TimeProvider time)
    {
        var random = new CounterRandom(1, RandomPurpose.Shuffle);
        int drawn = 0;
        return worker => random.Below(oneIn, (ulong)Interlocked.Increment(ref drawn), (uint)worker.Number, 0) == 0 ? Task.Delay(wait, time) : Task.CompletedTask;
    }
}
