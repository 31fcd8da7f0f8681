namespace ActorMlp.Training.Simulation.Sharing;

/// <summary>What the cores of a machine did, in time of one core.</summary>
public sealed record MachineUse
{
    /// <summary>Nothing.</summary>
    public static MachineUse None { get; } = new();

    /// <summary>Gradients and updates.</summary>
    public TimeSpan Computing { get; init; }

    /// <summary>Bulk frames, at both ends.</summary>
    public TimeSpan Frames { get; init; }

    /// <summary>Control messages, at both ends.</summary>
    public TimeSpan ControlMessages { get; init; }

    /// <summary>Waking pools, which look out for more before they sleep, and telling actors.</summary>
    public TimeSpan HandingOver { get; init; }

    /// <summary>Weights copied to where they are staged.</summary>
    public TimeSpan Copying { get; init; }

    /// <summary>Checkpoints written.</summary>
    public TimeSpan Writing { get; init; }

    /// <summary>Whatever processes do all the time.</summary>
    public TimeSpan Background { get; init; }

    /// <summary>All of it.</summary>
    public TimeSpan Total => Computing + Frames + ControlMessages + HandingOver + Copying + Writing + Background;

    /// <summary>Both together.</summary>
    public static MachineUse operator +(MachineUse one, MachineUse other) => new()
    {
        Computing = one.Computing + other.Computing,
        Frames = one.Frames + other.Frames,
        ControlMessages = one.ControlMessages + other.ControlMessages,
        HandingOver = one.HandingOver + other.HandingOver,
        Copying = one.Copying + other.Copying,
        Writing = one.Writing + other.Writing,
        Background = one.Background + other.Background,
    };

    /// <summary>One part of so many equal ones, of what was done since an earlier moment.</summary>
    /// <param name="before">What was done by then.</param>
    /// <param name="parts">How many.</param>
    public MachineUse Since(MachineUse before, int parts) => new()
    {
        Computing = (Computing - before.Computing) / parts,
        Frames = (Frames - before.Frames) / parts,
        ControlMessages = (ControlMessages - before.ControlMessages) / parts,
        HandingOver = (HandingOver - before.HandingOver) / parts,
        Copying = (Copying - before.Copying) / parts,
        Writing = (Writing - before.Writing) / parts,
        Background = (Background - before.Background) / parts,
    };
}
