using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace ActorMlp.Training.Configuration;

/// <summary>The section <c>output</c> of a run file. Nothing here can change a bit of the result.</summary>
public sealed record OutputOptions
{
    /// <summary>Where run folders are made.</summary>
    [Description("Folder in which each run makes its own; relative to the current directory.")]
    public string Directory { get; init; } = "runs";

    /// <summary>Whether metrics.jsonl has a line per step too.</summary>
    [Description("Whether metrics.jsonl has a line for each step, beside those for each epoch.")]
    public bool StepMetrics { get; init; }

    /// <summary>Whether ledger.jsonl is written.</summary>
    [Description("Whether ledger.jsonl is written, a line for each step: who computed what, and what was dealt again. actormlp audit needs it.")]
    public bool Ledger { get; init; } = true;

    /// <summary>Steps between two checkpoints; 0 for one at the end of each epoch only.</summary>
    [Description("Steps between two checkpoints within an epoch; 0 for one at the end of each epoch only.")]
    [Range(0, int.MaxValue)]
    public int CheckpointEverySteps { get; init; }

    /// <summary>Whether training.png is drawn.</summary>
    [Description("Whether training.png, the curves of loss and accuracy, is drawn.")]
    public bool Plot { get; init; } = true;
}
