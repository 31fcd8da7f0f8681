using ActorMlp.Training.Views;

namespace ActorMlp.Training.Consistency;

/// <summary>Where a share stands.</summary>
/// <param name="number">Which share.</param>
internal sealed class ShareAccount(int number)
{
    public int Number => number;

    /// <summary>The next step of which it is to be computed; what is before is taken in.</summary>
    public long Clock { get; set; }

    /// <summary>Who computes it; null for nobody.</summary>
    public WorkerId? Busy { get; set; }

    /// <summary>Number of the worker that computed it last.</summary>
    public int LastWorker { get; set; }

    /// <summary>The newest order to compute it.</summary>
    public long Ticket { get; set; }
}
